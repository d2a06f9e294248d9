"""`sena doctor`: examines this machine, one check a line."""
