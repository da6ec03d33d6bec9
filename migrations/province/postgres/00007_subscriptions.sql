-- +goose Up
-- Which tariff a city is billed by: "" for whichever the province has.
CREATE TABLE subscriptions (
    city   TEXT PRIMARY KEY REFERENCES cities (code),
    tariff TEXT NOT NULL,
    since  BIGINT NOT NULL
);
