-- create index "delivery_vendor" to table: "deliveries"
CREATE INDEX `delivery_vendor` ON `deliveries` (`vendor_id`) WHERE vendor_id <> '';
-- create "held_status" table
CREATE TABLE `held_status` (
  `id` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `connection_id` text NOT NULL,
  `vendor_id` text NOT NULL,
  `payload` text NOT NULL,
  `time` integer NOT NULL
);
-- create index "held_status_vendor" to table: "held_status"
CREATE INDEX `held_status_vendor` ON `held_status` (`connection_id`, `vendor_id`);
-- create "quarantineds" table
CREATE TABLE `quarantineds` (
  `id` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `connection_id` text NOT NULL,
  `agent_id` text NOT NULL,
  `provider` text NOT NULL,
  `reason` text NOT NULL,
  `request` blob NOT NULL,
  `digest` blob NOT NULL,
  `count` integer NOT NULL DEFAULT (1),
  `time` integer NOT NULL
);
-- create index "quarantined_digest" to table: "quarantineds"
CREATE UNIQUE INDEX `quarantined_digest` ON `quarantineds` (`connection_id`, `digest`);
-- create index "quarantined_time" to table: "quarantineds"
CREATE INDEX `quarantined_time` ON `quarantineds` (`time`);
