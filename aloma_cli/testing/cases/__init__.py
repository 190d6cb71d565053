"""`aloma test`: the cases of a workspace, `cases/*.yaml`. `docs/testing.md` describes the files."""
