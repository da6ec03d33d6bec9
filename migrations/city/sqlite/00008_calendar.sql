-- +goose Up
-- What the city says of its own working time: days that are not what their
-- weekday says, and seasons with shifts of their own. A year with a day here
-- takes the place of the one that comes with the program.
CREATE TABLE calendar_days (
    day    TEXT PRIMARY KEY,
    mark   TEXT NOT NULL CHECK (mark IN ('off', 'work')),
    name   TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL DEFAULT ''
);
CREATE TABLE calendar_seasons (
    from_day TEXT PRIMARY KEY,
    to_day   TEXT NOT NULL,
    name     TEXT NOT NULL,
    shifts   TEXT NOT NULL
);
