"""Prints the ids of all cases that the installed Autobahn TestSuite has, one a line (runs under Python 2.7)."""

from __future__ import print_function

from autobahntestsuite.case import CaseBasename, CaseCategories, Cases, CaseSetname, CaseSubCategories
from autobahntestsuite.caseset import CaseSet

case_set = CaseSet(CaseSetname, CaseBasename, Cases, CaseCategories, CaseSubCategories)
for case in Cases:
    print(case_set.caseClasstoId(case))
