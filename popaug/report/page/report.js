// Interaction of the report: reading the scores round by round, with pointer or keyboard. Every
// figure is on the page without it.
"use strict";
(function () {
  function contents() {
    const nav = document.querySelector("nav");
    if (!nav) return;
    nav.textContent = "";
    for (const section of document.querySelectorAll("main section")) {
      const link = document.createElement("a");
      link.href = "#" + section.id;
      link.textContent = section.querySelector("h2").textContent;
      nav.appendChild(link);
    }
  }

  function sentence(figures, round) {
    const scores = figures.scores.map((row) => row[round]).filter((score) => score !== null && score !== undefined);
    if (scores.length === 0) return "Round " + round + ": no result yet.";
    const best = d3.max(scores);
    const copies = figures.copies.filter((copy) => copy[0] === round);
    const member = figures.scores.findIndex((row) => row[round] === best);
    let text = "Round " + round + ": best " + best.toFixed(4) + " (member " + member + "), mean " +
      d3.mean(scores).toFixed(4) + ", worst " + d3.min(scores).toFixed(4) + ".";
    if (copies.length) text += " Exploits: " + copies.map((copy) => copy[1] + " copies " + copy[2]).join(", ") + ".";
    return text;
  }

  function scores(figures) {
    if (typeof d3 === "undefined") return;
    const frame = d3.select("#scores .scroll");
    const svg = frame.select("svg");
    const output = d3.select("#scores-reading");
    if (frame.empty() || svg.empty() || figures.rounds_done === 0) return;
    const left = 64, width = 780, top = 30, bottom = 304;  // as drawn by run_charts.cc
    const cursor = svg.append("line").attr("class", "cursor").attr("y1", top).attr("y2", bottom).attr("visibility", "hidden");
    const perRound = figures.epochs / figures.rounds;
    let round = figures.rounds_done - 1;
    function show(next) {
      round = Math.max(0, Math.min(figures.rounds_done - 1, next));
      const x = left + width * Math.min(1, ((round + 1) * perRound) / figures.epochs);
      cursor.attr("x1", x).attr("x2", x).attr("visibility", "visible");
      output.text(sentence(figures, round));
    }
    frame.on("keydown", function () {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[d3.event.key];
      if (d3.event.key === "Home") show(0);
      else if (d3.event.key === "End") show(figures.rounds_done - 1);
      else if (step) show(round + step);
      else return;
      d3.event.preventDefault();
    });
    svg.on("mousemove", function () {
      const x = d3.mouse(this)[0];
      show(Math.round(((x - left) / width) * figures.rounds) - 1);
    });
    svg.selectAll(".member").on("mouseenter", function () {
      svg.selectAll(".member").classed("chosen", false);
      d3.select(this).classed("chosen", true);
    });
  }

  window.popaugReport = { contents: contents, scores: scores };
  const figures = document.getElementById("figures");
  if (figures) {
    contents();
    scores(JSON.parse(figures.textContent));
  }
})();
