-- create "files" table
CREATE TABLE "files" (
  "id" character varying NOT NULL,
  "create_time" bigint NOT NULL,
  "message_id" character varying NOT NULL DEFAULT '',
  "name" text NOT NULL,
  "mime_type" character varying NOT NULL DEFAULT '',
  "size" bigint NOT NULL DEFAULT 0,
  "state" character varying NOT NULL,
  "attached" boolean NOT NULL DEFAULT false,
  "source" bytea NULL,
  "session_num" bigint NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "files_sessions_files" FOREIGN KEY ("session_num") REFERENCES "sessions" ("num") ON UPDATE NO ACTION ON DELETE SET NULL
);
-- create index "file_pending" to table: "files"
CREATE INDEX "file_pending" ON "files" ("id") WHERE ((state)::text = 'pending'::text);
-- create index "file_session" to table: "files"
CREATE INDEX "file_session" ON "files" ("session_num", "attached");
-- create index "file_age" to table: "files"
CREATE INDEX "file_age" ON "files" ("attached", "create_time");
