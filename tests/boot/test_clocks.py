#
# Copyright (c) 2026 The Paravane developers
#
# Permission to use, copy, modify, and distribute this software for any
# purpose with or without fee is hereby granted, provided that the above
# copyright notice and this permission notice appear in all copies.
#
# THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
# WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
# MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
# ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
# WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
# ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
# OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.

"""The time of day and the clocks behind it."""

import calendar
import re
import time


def seconds(g):
    return float(g.output('date +%s.%N').splitlines()[-1])


def test_the_date_is_that_of_the_machines_clock(start):
    g = start('-rtc base=2031-05-06T07:08:09')
    assert 0 <= seconds(g) - calendar.timegm((2031, 5, 6, 7, 8, 9)) < 20
    # also what was made before the clock was found
    assert 'May  6 07:' in g.output('ls -l /dev/null')


def test_a_pause_of_the_machine_is_noticed(start):
    g = start()
    assert abs(seconds(g) - time.time()) < 3
    g.qmp.command('stop')
    time.sleep(5)
    g.qmp.command('cont')
    g.output('sleep 2')
    assert abs(seconds(g) - time.time()) < 3
    assert re.search(r'clock: [456] s behind the time of day, set',
        g.output('dmesg'))
