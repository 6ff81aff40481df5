/** The plugin's defaults. */
export const SETTINGS = { retries: 2, timeout: 30_000, videoTimeout: 300_000 };
