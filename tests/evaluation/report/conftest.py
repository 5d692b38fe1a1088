import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # report_runs.py, parsed_page.py and browser.py stand beside this file
