-- +goose Up
-- Usage as harvested from the cities (each batch once) and the monthly invoices
-- in integer fen. A row of usage is on no invoice yet or on exactly one.
CREATE TABLE harvests (
    city         TEXT NOT NULL REFERENCES cities (code),
    batch        BIGINT NOT NULL,
    harvested_at BIGINT NOT NULL,
    PRIMARY KEY (city, batch)
);
CREATE TABLE invoices (
    number    TEXT PRIMARY KEY,
    city      TEXT NOT NULL REFERENCES cities (code),
    city_name TEXT NOT NULL,
    month     TEXT NOT NULL,
    tariff    TEXT NOT NULL,
    lines     TEXT NOT NULL,
    total_fen BIGINT NOT NULL CHECK (total_fen >= 0),
    issued_at BIGINT NOT NULL,
    UNIQUE (month, city)
);
CREATE TABLE usage_days (
    city     TEXT NOT NULL,
    batch    BIGINT NOT NULL,
    metric   TEXT NOT NULL,
    day      TEXT NOT NULL CHECK (length(day) = 10),
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    invoice  TEXT REFERENCES invoices (number) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (city, batch, metric, day),
    FOREIGN KEY (city, batch) REFERENCES harvests (city, batch)
);
CREATE INDEX usage_days_month ON usage_days (city, day);
CREATE INDEX usage_days_open ON usage_days (city, day) WHERE invoice IS NULL;
