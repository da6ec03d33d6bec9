-- +goose Up
-- Where what a move of a city has left is kept until it is confirmed.
ALTER TABLE cities ADD COLUMN kept_on TEXT NOT NULL DEFAULT '';
