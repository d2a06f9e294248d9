"""The appliance without hardware: a recorded microphone, a recording speaker, a console light."""
