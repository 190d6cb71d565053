"""`aloma secret …`"""
