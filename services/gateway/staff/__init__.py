"""The authoriser's pages: who has access, what each one lacks, and how access is given and ended."""
