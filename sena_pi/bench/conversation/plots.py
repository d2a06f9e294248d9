"""Plots as SVG texts."""

from __future__ import annotations

import io
from typing import Any

from sena_pi.bench.conversation.figures import Figures
from sena_pi.bench.conversation.notes import STAGE_NAMES
from sena_pi.bench.conversation.results import AUDIO, STAGES, WAITED_FOR, Results
from sena_pi.errors import EngineUnavailable

_WIDTH_INCHES = 9
_MARKERS = "<|xov^sD"


def pyplot() -> Any:  # noqa: ANN401 - a module
    """matplotlib, drawing to files only.

    Raises:
        EngineUnavailable: it is not installed.
    """
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise EngineUnavailable(
            "matplotlib is missing, which --html needs; fix: pip install 'sena-pi[bench]'"
        ) from error
    mpl.use("Agg")
    # The same results give the same file; letters stay letters, so that they can be searched.
    mpl.rcParams["svg.hashsalt"] = "sena"
    mpl.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot as plt

    return plt


def plots(results: Results, ways: dict[str, Figures]) -> list[str]:
    """Every plot, as an `<svg>` element.

    Raises:
        EngineUnavailable: matplotlib is not installed.
    """
    plot = pyplot()
    return [
        _svg(plot, _draw_spread, results, ways),
        _svg(plot, _draw_waits, results, ways),
        _svg(plot, _draw_stages, results, ways),
        _svg(plot, _draw_questions, results, ways),
    ]


def _svg(plot: Any, draw: Any, results: Results, ways: dict[str, Figures]) -> str:  # noqa: ANN401
    figure, axes = plot.subplots(figsize=(_WIDTH_INCHES, 4), layout="constrained")
    draw(axes, results, ways)
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    plot.close(figure)
    text = out.getvalue()
    return text[text.index("<svg") :]


def _draw_spread(axes: Any, results: Results, ways: dict[str, Figures]) -> None:  # noqa: ANN401
    """A dot a question, and a line at the median."""
    axes.set_title("from the true end of speech to the first audio")
    axes.set_xlabel("s")
    for place, way in enumerate(ways):
        times = [one.after(AUDIO) for one in results.of(way) if one.answered and not one.cut]
        seconds = [time / 1000 for time in times if time is not None]
        axes.plot(seconds, [place] * len(seconds), "o", alpha=0.4)
        if spread := ways[way].from_speech.get(AUDIO):
            axes.plot([spread.median / 1000] * 2, [place - 0.3, place + 0.3], color="black")
    axes.set_yticks(range(len(ways)), list(ways))
    axes.set_xlim(left=0)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)


def _draw_stages(axes: Any, results: Results, ways: dict[str, Figures]) -> None:  # noqa: ANN401, ARG001
    """A mark a stage, by medians; stages of one way in their order, one below the other.

    An answer is begun in the pause, so that some lie before the endpoint.
    """
    axes.set_title("medians of the stages, from the true end of speech")
    axes.set_xlabel("s")
    shown = STAGES[: STAGES.index(AUDIO) + 1]
    for number, (stage, marker) in enumerate(zip(shown, _MARKERS, strict=True)):
        below = 0.7 * (number / (len(shown) - 1) - 0.5)
        places = [(n, of.from_speech[stage]) for n, of in enumerate(ways.values())
                  if stage in of.from_speech]  # fmt: skip
        axes.plot(
            [spread.median / 1000 for _, spread in places],
            [place + below for place, _ in places],
            marker,
            label=stage.replace("_", " "),
        )
    _finish_ways(axes, ways)


def _draw_waits(axes: Any, results: Results, ways: dict[str, Figures]) -> None:  # noqa: ANN401, ARG001
    """A bar a way, of what the first audio waited for."""
    axes.set_title("what the first audio waits for, one after the other, on average")
    axes.set_xlabel("s")
    ends = [0.0] * len(ways)
    for stage in WAITED_FOR:
        lengths = [of.waits.get(stage, 0.0) / 1000 for of in ways.values()]
        axes.barh(range(len(ways)), lengths, left=ends, label=STAGE_NAMES[stage])
        ends = [end + length for end, length in zip(ends, lengths, strict=True)]
    _finish_ways(axes, ways)


def _finish_ways(axes: Any, ways: dict[str, Figures]) -> None:  # noqa: ANN401
    axes.set_yticks(range(len(ways)), list(ways))
    axes.invert_yaxis()
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    axes.grid(axis="x", alpha=0.3)


def _draw_questions(axes: Any, results: Results, ways: dict[str, Figures]) -> None:  # noqa: ANN401
    """A line a way, over the questions; means over the rounds."""
    axes.set_title("by question, from the true end of speech to the first audio")
    axes.set_ylabel("s")
    questions = list(dict.fromkeys(one.question for one in results.asked))
    for way in ways:
        times: dict[str, list[float]] = {}
        for one in results.of(way):
            time = one.after(AUDIO)
            if one.answered and not one.cut and time is not None:
                times.setdefault(one.question, []).append(time / 1000)
        there = [question for question in questions if question in times]
        means = [sum(times[question]) / len(times[question]) for question in there]
        if there:
            axes.plot([questions.index(question) for question in there], means, "o-", label=way)
    axes.set_xticks(range(len(questions)), questions, rotation=30, ha="right")
    axes.set_ylim(bottom=0)
    if axes.lines:
        axes.legend()
    axes.grid(alpha=0.3)
