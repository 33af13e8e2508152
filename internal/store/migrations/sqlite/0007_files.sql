-- create "files" table
CREATE TABLE `files` (
  `id` text NOT NULL,
  `create_time` integer NOT NULL,
  `message_id` text NOT NULL DEFAULT (''),
  `name` text NOT NULL,
  `mime_type` text NOT NULL DEFAULT (''),
  `size` integer NOT NULL DEFAULT (0),
  `state` text NOT NULL,
  `attached` bool NOT NULL DEFAULT (false),
  `source` blob NULL,
  `session_num` integer NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `files_sessions_files` FOREIGN KEY (`session_num`) REFERENCES `sessions` (`num`) ON DELETE SET NULL
);
-- create index "file_session" to table: "files"
CREATE INDEX `file_session` ON `files` (`session_num`, `attached`);
-- create index "file_age" to table: "files"
CREATE INDEX `file_age` ON `files` (`attached`, `create_time`);
-- create index "file_pending" to table: "files"
CREATE INDEX `file_pending` ON `files` (`id`) WHERE state = 'pending';
