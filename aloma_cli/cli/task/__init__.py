"""`aloma task …`"""
