"""`ascms backup` and `ascms restore`: every database and every file as they were at one moment.

`fence` finds the moment, `digest` says what a state is, `save` and `restore` carry it, `tools` finds pg_dump and
pg_restore, `cli` is what people call. Of a service it knows the name, the roles and whom it listens to, no more.
"""
