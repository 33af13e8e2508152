-- add column "state" to table: "connections"
ALTER TABLE `connections` ADD COLUMN `state` text NOT NULL DEFAULT ('');
-- it stood in the status so far
UPDATE `connections` SET `state` = coalesce(json_extract(`status`, '$.state'), ''), `status` = json_remove(`status`, '$.state');
-- create index "connection_unavailable" to table: "connections"
CREATE INDEX `connection_unavailable` ON `connections` (`state`) WHERE state = 'unavailable';
