#!/usr/bin/env python3
"""Opens reports in Chromium and prints what is wrong with them: plots without marks, numbers that are
none, messages of the console, requests, and what is wider than the screen; in light and dark, as on
paper, and at the width of a telephone.

Usage: page_in_browser.py [--screenshots FOLDER] [--least-marks N] PAGE.html...
Exits 1 if anything is wrong, and 77 where there is no Chromium. Only the standard library is used.
"""

import argparse
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

SECONDS = 60

# Name, width, medium, color scheme.
VIEWS = [
    ("light", 1180, "screen", "light"),
    ("dark", 1180, "screen", "dark"),
    ("telephone", 390, "screen", "light"),
    ("telephone dark", 360, "screen", "dark"),
    ("paper", 718, "print", "light"),
]

# What is wrong with the page as it stands, as a list of sentences.
CHECK = r"""
((leastMarks) => {
  const wrong = [];
  const figures = [...document.querySelectorAll('figure')];
  if (!document.querySelector('.verdict h2')) wrong.push('there is no verdict');
  if (!document.querySelector('.comparison tbody td')) wrong.push('there is no comparison table');
  if (figures.length < 7) wrong.push(`there are ${figures.length} plots, not 7 or more`);
  for (const figure of figures) {
    const name = `plot ${figure.id}`;
    const svg = figure.querySelector('svg');
    if (!svg) {
      const reason = figure.querySelector('.absent');
      if (!reason || reason.textContent.length < 20) wrong.push(`${name}: neither a drawing nor a reason for none`);
      continue;
    }
    if (svg.getAttribute('role') !== 'img' || !(svg.getAttribute('aria-label') || '').trim()) wrong.push(`${name}: no label for who cannot see it`);
    if (!figure.querySelector('figcaption')) wrong.push(`${name}: no caption`);
    const frame = svg.getBoundingClientRect();
    if (frame.width < 200 || frame.height < 60) wrong.push(`${name}: drawn ${frame.width} x ${frame.height}`);
    let marks = 0;
    for (const mark of svg.querySelectorAll('path, circle, rect')) {
      if (mark.closest('defs')) continue;
      const box = mark.getBoundingClientRect();
      if (box.width > 0 && box.height > 0) ++marks;
    }
    if (marks < leastMarks) wrong.push(`${name}: ${marks} marks`);
    for (const part of svg.querySelectorAll('*')) {
      for (const attribute of part.attributes) {
        if (/NaN|undefined|null|Infinity/.test(attribute.value)) {
          wrong.push(`${name}: <${part.tagName} ${attribute.name}="${attribute.value.slice(0, 60)}">`);
        }
      }
    }
    for (const text of svg.querySelectorAll('text')) {
      const box = text.getBoundingClientRect();
      if (box.width && (box.left < -1 || box.right > document.documentElement.clientWidth + 1)) {
        wrong.push(`${name}: "${text.textContent}" is cut by the screen`);
      }
    }
  }
  const words = document.body.innerText.match(/.{0,30}\b(NaN|undefined|null|\[object)\b.{0,30}/);
  if (words) wrong.push(`the text has "${words[0]}"`);
  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth) {
    wrong.push(`the page is ${page.scrollWidth} wide on a screen of ${page.clientWidth}`);
  }
  return wrong;
})
"""


class Browser:
    """A headless Chromium that is spoken to over two pipes."""

    def __init__(self, program, profile):
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()

        # Chromium reads from 3 and writes to 4; either may be in the way of the other.
        def put_pipes():
            reading, writing = os.dup(to_browser), os.dup(from_browser)
            high_reading, high_writing = 60, 61
            os.dup2(reading, high_reading)
            os.dup2(writing, high_writing)
            os.dup2(high_reading, 3)
            os.dup2(high_writing, 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
             "--disable-dev-shm-usage", f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=put_pipes, close_fds=False)
        os.close(to_browser)
        os.close(from_browser)
        self.pending = b""
        self.number = 0
        self.events = []
        self.session = None

    def close(self):
        self.process.kill()
        self.process.wait()

    def read(self, deadline):
        while b"\0" not in self.pending:
            ready, _, _ = select.select([self.read_end], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError("the browser does not answer")
            received = os.read(self.read_end, 1 << 20)
            if not received:
                raise ConnectionError("the browser ended")
            self.pending += received
        message, self.pending = self.pending.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + SECONDS
        while True:
            answer = self.read(deadline)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            if "method" in answer:
                self.events.append(answer)

    def wait(self, event):
        deadline = time.monotonic() + SECONDS
        while not any(seen["method"] == event for seen in self.events):
            answer = self.read(deadline)
            if "method" in answer:
                self.events.append(answer)

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", "an exception"))
        return answer["result"].get("value")

    def open_tab(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")


def complaints_of(events, address):
    """What the console said, and whatever was asked for beside the page itself."""
    for event in events:
        parameters = event["params"]
        if event["method"] == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            yield "exception: " + details.get("exception", {}).get("description", details["text"])
        elif event["method"] == "Runtime.consoleAPICalled":
            words = " ".join(str(argument.get("value", argument.get("description"))) for argument in parameters["args"])
            yield f"console.{parameters['type']}: {words}"
        elif event["method"] == "Log.entryAdded":
            yield f"{parameters['entry']['level']}: {parameters['entry']['text']}"
        elif event["method"] == "Network.requestWillBeSent":
            url = parameters["request"]["url"]
            if url != address:
                yield f"request: {url[:100]}"


def check_view(browser, page, view, least_marks, screenshots):
    name, width, medium, scheme = view
    address = page.resolve().as_uri()
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    browser.call("Emulation.setEmulatedMedia", media=medium,
                 features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.events.clear()
    browser.call("Page.navigate", url=address)
    browser.wait("Page.loadEventFired")
    browser.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    wrong = browser.evaluate(f"{CHECK}({least_marks})")
    wrong += complaints_of(browser.events, address)
    if screenshots:
        take_screenshot(browser, screenshots / f"{page.stem}-{name.replace(' ', '-')}.png", width)
    return wrong


def take_screenshot(browser, path, width):
    height = browser.evaluate("document.documentElement.scrollHeight")
    picture = browser.call("Page.captureScreenshot", captureBeyondViewport=True,
                           clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1})
    path.write_bytes(base64.b64decode(picture["data"]))


def check_redrawing(browser, least_marks):
    """A window that is made narrow after the page was drawn."""
    browser.call("Emulation.setDeviceMetricsOverride", width=390, height=900, deviceScaleFactor=1, mobile=False)
    browser.evaluate("new Promise((done) => setTimeout(done, 200))")
    return browser.evaluate(f"{CHECK}({least_marks})")


def check_printing(browser, page, screenshots):
    """A real print, of a page that was drawn for a narrow window."""
    browser.call("Emulation.setEmulatedMedia", media="", features=[])
    document = base64.b64decode(browser.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])
    if screenshots:
        (screenshots / f"{page.stem}.pdf").write_bytes(document)
    return [] if document.startswith(b"%PDF") and len(document) > 20000 else ["printing gave no pages"]


def check_page(browser, page, least_marks, screenshots):
    wrong = {}
    for view in VIEWS:
        wrong[view[0]] = check_view(browser, page, view, least_marks, screenshots)
    wrong["light again"] = check_view(browser, page, VIEWS[0], least_marks, None)
    wrong["made narrow"] = check_redrawing(browser, least_marks)
    wrong["printed"] = check_printing(browser, page, screenshots)
    for view, sentences in wrong.items():
        for sentence in sentences:
            print(f"{page.name}, {view}: {sentence}")
    return sum(len(sentences) for sentences in wrong.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screenshots", type=pathlib.Path, help="folder for a picture of each view")
    parser.add_argument("--least-marks", type=int, default=1, help="that a plot with data must have")
    parser.add_argument("pages", type=pathlib.Path, nargs="+")
    arguments = parser.parse_args()
    program = shutil.which("chromium")
    if not program:
        print("SKIPPED: no chromium; deploy/install-packages.sh browser brings it")
        sys.exit(77)
    if arguments.screenshots:
        arguments.screenshots.mkdir(parents=True, exist_ok=True)
    failures = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            browser.open_tab()
            for page in arguments.pages:
                failures += check_page(browser, page, arguments.least_marks, arguments.screenshots)
        finally:
            browser.close()
    print(f"{len(arguments.pages)} pages, {failures} complaints")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
