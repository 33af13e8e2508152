-- modify "connections" table
ALTER TABLE "connections" ADD COLUMN "state" character varying NOT NULL DEFAULT '';
-- it stood in the status so far
UPDATE "connections" SET "state" = coalesce("status"::jsonb ->> 'state', ''), "status" = ("status"::jsonb - 'state')::text;
-- create index "connection_unavailable" to table: "connections"
CREATE INDEX "connection_unavailable" ON "connections" ("state") WHERE ((state)::text = 'unavailable'::text);
