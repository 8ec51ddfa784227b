"""Profanity in a terminal, with a person who types and reads.

Reads a JSON description on standard input: the home folder, which has its settings, and lines to type with what
has to be in its log behind each. Prints the log. A line that is not followed by what it should be ends it with an error.
"""

import json
import os
import pty
import re
import select
import signal
import sys
import time

LIMIT = 20  # seconds for one step

conf = json.load(sys.stdin)
pid, terminal = pty.fork()
if pid == 0:
    os.environ.clear()
    os.environ.update(HOME=conf["home"], PATH="/usr/bin:/bin", TERM="xterm", LANG="C.UTF-8", LINES="40", COLUMNS="120")
    os.execvp("profanity", ["profanity", "-l", "DEBUG", "-a", conf["account"]])

logs = os.path.join(conf["home"], ".local/share/profanity/logs")
screen = b""


def log():
    text = ""
    for name in sorted(os.listdir(logs)) if os.path.isdir(logs) else []:
        with open(os.path.join(logs, name), errors="replace") as f:
            text += f.read()
    return text


def read(seconds):
    """Takes what the program draws, which it must get rid of."""
    global screen
    if select.select([terminal], [], [], seconds)[0]:
        screen = (screen + os.read(terminal, 65536))[-20000:]


def play(steps):
    for typed, awaited in steps:
        seen = len(log()) if typed else 0
        os.write(terminal, (typed + "\n").encode() if typed else b"")
        end = time.time() + LIMIT
        while not re.search(awaited, log()[seen:]):
            if time.time() > end:
                raise TimeoutError("%r was not followed by %r" % (typed, awaited))
            read(0.05)


try:
    play(conf["steps"])
    print(log())
except OSError as e:  # TimeoutError is one, and so is a terminal whose program has ended
    sys.exit("%s; the screen: %r; the log: %s" % (e, screen[-3000:], log()[-8000:]))
finally:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
