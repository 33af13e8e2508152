-- add columns "last_attempt", "degraded", "read_time" and "retry_time" to table: "deliveries"
ALTER TABLE `deliveries` ADD COLUMN `last_attempt` integer NOT NULL DEFAULT (0);
ALTER TABLE `deliveries` ADD COLUMN `degraded` text NOT NULL DEFAULT ('');
ALTER TABLE `deliveries` ADD COLUMN `read_time` integer NOT NULL DEFAULT (0);
ALTER TABLE `deliveries` ADD COLUMN `retry_time` integer NOT NULL DEFAULT (0);
-- create index "delivery_message_id" to table: "deliveries"
CREATE INDEX `delivery_message_id` ON `deliveries` (`message_id`) WHERE message_id <> '';
-- create index "delivery_failed" to table: "deliveries"
CREATE INDEX `delivery_failed` ON `deliveries` (`id`) WHERE state = 'failed';
-- create "delivery_attempts" table
CREATE TABLE `delivery_attempts` (
  `id` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `number` integer NOT NULL,
  `time` integer NOT NULL,
  `class` text NOT NULL,
  `detail` text NOT NULL,
  `delivery_id` integer NOT NULL,
  CONSTRAINT `delivery_attempts_deliveries_failures` FOREIGN KEY (`delivery_id`) REFERENCES `deliveries` (`id`) ON DELETE CASCADE
);
-- create index "delivery_attempt" to table: "delivery_attempts"
CREATE UNIQUE INDEX `delivery_attempt` ON `delivery_attempts` (`delivery_id`, `number`);
