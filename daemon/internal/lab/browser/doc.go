// Package browser drives real browsers for the tests of Web Admin: Chromium
// and Firefox ESR, headless, in a network namespace of the lab.
//
// A Browser is a Node process that runs driver.cjs over puppeteer-core; it is
// told what to do a line of JSON at a time. A Page is a tab with cookies of its
// own, so two pages are two people. Both browsers verify certificates as they
// do for anyone: the authority of the lab is in the certificate database of
// their throw-away profile, and nothing is switched off.
//
// It knows nothing of the product. A Browser and its Pages may be used from
// several goroutines; what they are told is done one after another. Where a
// method waits for something, it waits at most 15 seconds.
//
// It needs node, the packages of daemon/tests/web/package.json installed in
// .build/web, chromium, firefox-esr and certutil (libnss3-tools).
package browser
