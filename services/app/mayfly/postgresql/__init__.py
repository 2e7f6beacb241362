"""Django's backend for Postgres, with a cheaper look at a connection that is kept between requests."""
