"""The rules that keep Grey's tree in order, and the readers they need. Run tools/lint_structure.py."""
