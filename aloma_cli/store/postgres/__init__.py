from aloma_cli.extras import extra

with extra("postgres", "the driver of PostgreSQL"):
    import psycopg  # noqa: F401  (every module here needs it)
