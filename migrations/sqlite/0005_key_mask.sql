-- What of a key may be shown, such as gt_overlay_…9c1a. None for keys that are older than this column.
ALTER TABLE api_key ADD COLUMN masked TEXT;
