-- modify "sessions" table
ALTER TABLE "sessions" ADD COLUMN "user_id" character varying NOT NULL DEFAULT '';
-- what backends said so far
UPDATE "sessions" SET "user_id" = coalesce("details"::jsonb -> 'customer' ->> 'user_id', '');
-- create index "session_user" to table: "sessions"
CREATE INDEX "session_user" ON "sessions" ("agent_id", "user_id", "num") WHERE ((user_id)::text <> ''::text);
