"""What a person sees and touches: the light, the button, mute and volume."""
