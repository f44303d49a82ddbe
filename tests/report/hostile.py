"""Texts that a stranger may put into ids, parameters, reasons and devices, for every format of reports."""

from __future__ import annotations

from hypothesis import strategies as st

#: Each tries to be something else than text somewhere.
NAMES = (
    "a.py::test[<script>alert(1)</script>]",
    "a.py::test[</title><img src=x onerror=alert(1)>]",
    "a.py::test[\"'><b>]",
    "a.py::test[a|b]",
    "a.py::test[`x` ``y`` ```z```]",
    "a.py::test[``` \n```\n# heading]",
    "a.py::test[\x1b[31mred\x1b]8;;http://e.example\x07x]",
    "a.py::test[one\ntwo\r\nthree]",
    "a.py::test[\n::error file=x,line=1::wrong]",
    "a.py::test[\u202eright-to-left\u2066]",
    "a.py::test[\u05d0\u05d1\u05d2]",
    "a.py::test[@octocat #123 GH-1 owner/repo#7]",
    "a.py::test[![x](http://e.example/p.png)]",
    "a.py::test[[x](javascript:alert(1))]",
    "a.py::test[[x]: http://e.example]",
    "a.py::test[a@b.example www.e.example :+1: $x$]",
    "a.py::test[</details></summary>]",
    "a.py::test[--> <!-- x]",
    "a.py::test[&lt;b&gt; &#64;octocat]",
    "a.py::test[100%, 50%0A a:b]",
    "a.py::test[\ud800]",
    "a.py::test[" + "x" * 20_000 + "]",
    "a.py::test[" + "a\u0301" * 10_000 + "]",
    "a.py::test[\\]",
    "   ",
    "# heading",
    "- item",
)
#: Texts that hold mostly what some format reads as more than text.
TEXTS = st.text(
    st.sampled_from("ab1 @#![](){}<>`|\\*_~&:/.,-+=$%\"'?;^\n\r\t\x1b\u202e\u05d0\udc80\u0301é中"), max_size=60
)
