-- create "chat_humen" table
CREATE TABLE `chat_humen` (
  `id` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `connection_id` text NOT NULL,
  `person` text NOT NULL,
  `pin` text NOT NULL DEFAULT (''),
  `pin_time` integer NOT NULL DEFAULT (0)
);
-- create index "chat_human_person" to table: "chat_humen"
CREATE UNIQUE INDEX `chat_human_person` ON `chat_humen` (`connection_id`, `person`);
-- create "chat_inputs" table
CREATE TABLE `chat_inputs` (
  `id` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `connection_id` text NOT NULL,
  `person` text NOT NULL,
  `key` text NOT NULL,
  `held` bool NOT NULL DEFAULT (false),
  `payload` text NOT NULL DEFAULT (''),
  `time` integer NOT NULL
);
-- create index "chat_input_key" to table: "chat_inputs"
CREATE UNIQUE INDEX `chat_input_key` ON `chat_inputs` (`connection_id`, `key`);
-- create index "chat_input_time" to table: "chat_inputs"
CREATE INDEX `chat_input_time` ON `chat_inputs` (`time`);
-- create index "chat_input_held" to table: "chat_inputs"
CREATE INDEX `chat_input_held` ON `chat_inputs` (`connection_id`, `person`, `id`) WHERE held;
-- create "chat_notices" table
CREATE TABLE `chat_notices` (
  `id` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `create_time` integer NOT NULL,
  `connection_id` text NOT NULL,
  `person` text NOT NULL,
  `payload` text NOT NULL,
  `attempts` integer NOT NULL DEFAULT (0),
  `next_attempt` integer NOT NULL DEFAULT (0)
);
-- create index "chat_notice_due" to table: "chat_notices"
CREATE INDEX `chat_notice_due` ON `chat_notices` (`next_attempt`);
-- create index "chat_notice_line" to table: "chat_notices"
CREATE INDEX `chat_notice_line` ON `chat_notices` (`connection_id`, `person`, `next_attempt`);
-- create "seats" table
CREATE TABLE `seats` (
  `id` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `create_time` integer NOT NULL,
  `connection_id` text NOT NULL,
  `tag` text NOT NULL,
  `person` text NOT NULL DEFAULT (''),
  `person_name` text NOT NULL DEFAULT (''),
  `words` text NOT NULL DEFAULT (''),
  `take_time` integer NOT NULL DEFAULT (0),
  `show_time` integer NOT NULL DEFAULT (0),
  `session_num` integer NOT NULL,
  CONSTRAINT `seats_sessions_seats` FOREIGN KEY (`session_num`) REFERENCES `sessions` (`num`) ON DELETE CASCADE
);
-- create index "seat_session" to table: "seats"
CREATE UNIQUE INDEX `seat_session` ON `seats` (`session_num`);
-- create index "seat_tag" to table: "seats"
CREATE INDEX `seat_tag` ON `seats` (`connection_id`, `tag`);
-- create "seat_messages" table
CREATE TABLE `seat_messages` (
  `id` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `connection_id` text NOT NULL,
  `vendor_id` text NOT NULL,
  `person` text NOT NULL,
  `delivery` text NOT NULL DEFAULT (''),
  `session_num` integer NOT NULL,
  CONSTRAINT `seat_messages_sessions_seat_messages` FOREIGN KEY (`session_num`) REFERENCES `sessions` (`num`) ON DELETE CASCADE
);
-- create index "seat_message_vendor" to table: "seat_messages"
CREATE UNIQUE INDEX `seat_message_vendor` ON `seat_messages` (`connection_id`, `vendor_id`);
-- create index "seat_message_session" to table: "seat_messages"
CREATE INDEX `seat_message_session` ON `seat_messages` (`session_num`, `delivery`);
