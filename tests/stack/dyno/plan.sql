-- The smallest plan: one role without privileges, its own database, 20 connections.
CREATE ROLE mayfly LOGIN PASSWORD 'secret' CONNECTION LIMIT 20;
CREATE DATABASE mayfly OWNER mayfly;
