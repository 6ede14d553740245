"""The workflow's logic: what a result is made of, where its files are, and what its jobs need.

The Snakefile and the ``.smk`` files hold rules; what they compute is here.
"""
