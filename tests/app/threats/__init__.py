"""What hurt other services of this kind, one promise a test; docs/threats.md lists the cases by number."""
