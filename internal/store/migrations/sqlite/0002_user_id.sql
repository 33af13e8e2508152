-- add column "user_id" to table: "sessions"
ALTER TABLE `sessions` ADD COLUMN `user_id` text NOT NULL DEFAULT ('');
-- what backends said so far
UPDATE `sessions` SET `user_id` = coalesce(json_extract(`details`, '$.customer.user_id'), '');
-- create index "session_user" to table: "sessions"
CREATE INDEX `session_user` ON `sessions` (`agent_id`, `user_id`, `num`) WHERE user_id <> '';
