-- create "agents" table
CREATE TABLE `agents` (
  `id` text NOT NULL,
  `create_time` integer NOT NULL,
  `settings` text NOT NULL,
  `connection_id` text NOT NULL DEFAULT (''),
  `version` integer NOT NULL,
  PRIMARY KEY (`id`)
);
-- create "connections" table
CREATE TABLE `connections` (
  `id` text NOT NULL,
  `create_time` integer NOT NULL,
  `kind` text NOT NULL,
  `account` text NOT NULL,
  `receive_token` text NOT NULL,
  `config` blob NOT NULL,
  `secrets_set` text NOT NULL,
  `status` text NOT NULL,
  `version` integer NOT NULL,
  `agent_id` text NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `connections_agents_connections` FOREIGN KEY (`agent_id`) REFERENCES `agents` (`id`) ON DELETE NO ACTION
);
-- create index "connection_agent_id" to table: "connections"
CREATE INDEX `connection_agent_id` ON `connections` (`agent_id`);
-- create index "connection_kind_receive_token" to table: "connections"
CREATE INDEX `connection_kind_receive_token` ON `connections` (`kind`, `receive_token`);
-- create "deliveries" table
CREATE TABLE `deliveries` (
  `id` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `create_time` integer NOT NULL,
  `kind` text NOT NULL,
  `sequence` integer NOT NULL DEFAULT (0),
  `message_id` text NOT NULL DEFAULT (''),
  `payload` text NOT NULL DEFAULT (''),
  `state` text NOT NULL,
  `attempts` integer NOT NULL DEFAULT (0),
  `next_attempt` integer NOT NULL DEFAULT (0),
  `last_error` text NOT NULL DEFAULT (''),
  `vendor_id` text NOT NULL DEFAULT (''),
  `settle_time` integer NOT NULL DEFAULT (0),
  `session_num` integer NOT NULL,
  CONSTRAINT `deliveries_sessions_deliveries` FOREIGN KEY (`session_num`) REFERENCES `sessions` (`num`) ON DELETE CASCADE
);
-- create index "delivery_lane" to table: "deliveries"
CREATE INDEX `delivery_lane` ON `deliveries` (`session_num`, `id`) WHERE state = 'pending';
-- create index "delivery_message" to table: "deliveries"
CREATE INDEX `delivery_message` ON `deliveries` (`session_num`, `sequence`);
-- create "events" table
CREATE TABLE `events` (
  `id` integer NOT NULL,
  `time` integer NOT NULL,
  `kind` text NOT NULL,
  `payload` text NOT NULL,
  PRIMARY KEY (`id`)
);
-- create "idempotency_keys" table
CREATE TABLE `idempotency_keys` (
  `id` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `key` text NOT NULL,
  `sequence` integer NOT NULL,
  `session_num` integer NOT NULL,
  CONSTRAINT `idempotency_keys_sessions_idempotency_keys` FOREIGN KEY (`session_num`) REFERENCES `sessions` (`num`) ON DELETE CASCADE
);
-- create index "idempotency_key" to table: "idempotency_keys"
CREATE UNIQUE INDEX `idempotency_key` ON `idempotency_keys` (`session_num`, `key`);
-- create "keys" table
CREATE TABLE `keys` (
  `id` text NOT NULL,
  `create_time` integer NOT NULL,
  `hash` blob NOT NULL,
  `scope` text NOT NULL,
  `agent_id` text NOT NULL DEFAULT (''),
  `name` text NOT NULL DEFAULT (''),
  `last_used_time` integer NOT NULL DEFAULT (0),
  `revoke_time` integer NOT NULL DEFAULT (0),
  PRIMARY KEY (`id`)
);
-- create index "keys_hash_key" to table: "keys"
CREATE UNIQUE INDEX `keys_hash_key` ON `keys` (`hash`);
-- create "late_messages" table
CREATE TABLE `late_messages` (
  `id` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `time` integer NOT NULL,
  `author_name` text NOT NULL,
  `text` text NOT NULL,
  `session_num` integer NOT NULL,
  CONSTRAINT `late_messages_sessions_late_messages` FOREIGN KEY (`session_num`) REFERENCES `sessions` (`num`) ON DELETE CASCADE
);
-- create index "late_message_session" to table: "late_messages"
CREATE INDEX `late_message_session` ON `late_messages` (`session_num`, `id`);
-- create "meta" table
CREATE TABLE `meta` (
  `key` text NOT NULL,
  `value` blob NOT NULL,
  PRIMARY KEY (`key`)
);
-- create "sessions" table
CREATE TABLE `sessions` (
  `num` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `create_time` integer NOT NULL,
  `id` text NOT NULL,
  `agent_id` text NOT NULL,
  `conversation_id` text NOT NULL,
  `request_id` text NOT NULL DEFAULT (''),
  `connection_id` text NOT NULL,
  `provider` text NOT NULL,
  `details` text NOT NULL,
  `state` text NOT NULL,
  `close_reason` text NOT NULL DEFAULT (''),
  `outcome_disposition` text NOT NULL DEFAULT (''),
  `outcome_note` text NOT NULL DEFAULT (''),
  `ref_id` text NOT NULL DEFAULT (''),
  `ref_data` text NOT NULL DEFAULT (''),
  `assignee` text NOT NULL DEFAULT (''),
  `assign_note` text NOT NULL DEFAULT (''),
  `wait_due` integer NOT NULL DEFAULT (0),
  `idle_due` integer NOT NULL DEFAULT (0),
  `silence_due` integer NOT NULL DEFAULT (0),
  `expiry_due` integer NOT NULL DEFAULT (0),
  `due` integer NOT NULL DEFAULT (0),
  `prompted` bool NOT NULL DEFAULT (false),
  `activate_time` integer NOT NULL DEFAULT (0),
  `close_time` integer NOT NULL DEFAULT (0),
  `last_sequence` integer NOT NULL,
  `epoch` integer NOT NULL
);
-- create index "sessions_id_key" to table: "sessions"
CREATE UNIQUE INDEX `sessions_id_key` ON `sessions` (`id`);
-- create index "session_open" to table: "sessions"
CREATE UNIQUE INDEX `session_open` ON `sessions` (`agent_id`, `conversation_id`) WHERE state <> 'closed';
-- create index "session_request" to table: "sessions"
CREATE UNIQUE INDEX `session_request` ON `sessions` (`agent_id`, `request_id`) WHERE request_id <> '';
-- create index "session_conversation" to table: "sessions"
CREATE INDEX `session_conversation` ON `sessions` (`agent_id`, `conversation_id`, `num`);
-- create index "session_agent" to table: "sessions"
CREATE INDEX `session_agent` ON `sessions` (`agent_id`, `num`);
-- create index "session_due" to table: "sessions"
CREATE INDEX `session_due` ON `sessions` (`due`) WHERE due > 0;
-- create index "session_ref" to table: "sessions"
CREATE INDEX `session_ref` ON `sessions` (`connection_id`, `ref_id`) WHERE ref_id <> '';
