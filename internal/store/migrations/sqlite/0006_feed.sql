-- add column "change" to table: "sessions"
ALTER TABLE `sessions` ADD COLUMN `change` integer NOT NULL DEFAULT (0);
-- in the order in which they began, for nothing else is known
UPDATE `sessions` SET `change` = `num`;
-- create index "session_change" to table: "sessions"
CREATE INDEX `session_change` ON `sessions` (`state`, `change`);
-- create "event_cursors" table
CREATE TABLE `event_cursors` (
  `id` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `agent_id` text NOT NULL,
  `delivered` integer NOT NULL DEFAULT (0),
  `pending` bool NOT NULL DEFAULT (false),
  `attempts` integer NOT NULL DEFAULT (0),
  `next_attempt` integer NOT NULL DEFAULT (0),
  `failing_since` integer NOT NULL DEFAULT (0),
  `last_error` text NOT NULL DEFAULT (''),
  `session_num` integer NOT NULL,
  CONSTRAINT `event_cursors_sessions_event_cursors` FOREIGN KEY (`session_num`) REFERENCES `sessions` (`num`) ON DELETE CASCADE
);
-- create index "event_cursor_session" to table: "event_cursors"
CREATE UNIQUE INDEX `event_cursor_session` ON `event_cursors` (`session_num`);
-- create index "event_cursor_agent" to table: "event_cursors"
CREATE INDEX `event_cursor_agent` ON `event_cursors` (`agent_id`, `session_num`);
-- create index "event_cursor_pending" to table: "event_cursors"
CREATE INDEX `event_cursor_pending` ON `event_cursors` (`session_num`) WHERE pending;
-- create "event_webhooks" table
CREATE TABLE `event_webhooks` (
  `id` text NOT NULL,
  `create_time` integer NOT NULL,
  `url` text NOT NULL,
  `secret` blob NOT NULL,
  `kinds` text NOT NULL,
  `disabled` text NOT NULL DEFAULT (''),
  `disable_time` integer NOT NULL DEFAULT (0),
  `failing_since` integer NOT NULL DEFAULT (0),
  `last_error` text NOT NULL DEFAULT (''),
  `version` integer NOT NULL,
  `first_num` integer NOT NULL,
  `checkpoint` integer NOT NULL,
  PRIMARY KEY (`id`)
);
