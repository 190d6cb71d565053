"""What simulated answers call themselves."""

PROVIDER = "aloma.offline"
MODEL = "aloma-offline"
