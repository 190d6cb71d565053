"""What a step's content receives by parameter name, one file for each."""
