"""A sample of the crash table; the whole of it is test/system/crash_table.py."""
import unittest

import crash_table


class CrashTableSample(unittest.TestCase):
    def test_ten_kills_lose_no_job_and_place_no_call_twice(self):
        print()
        self.assertEqual(crash_table.run(rounds=10, seed=1), [])


if __name__ == "__main__":
    unittest.main()
