// Package browser looks at the status page as its readers do: with Chromium, which
// driver.mjs drives through Playwright, in front of a forwarder that runs. It has tests
// only.
package browser
