"""What operators use: health, metrics and the commands of manage.py."""
