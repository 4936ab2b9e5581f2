// The live page: takes the report's parts from the server whenever the run has moved on.
"use strict";
(function () {
  const connection = document.getElementById("connection");
  let version = -1;
  let busy = false;
  let again = false;
  let note = "";  // what every line about the connection ends with

  function say(text) { connection.textContent = note ? text + " " + note : text; }

  function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    Promise.all([fetch("main.html"), fetch("state.json")])
      .then((answers) => {
        if (!answers[0].ok || !answers[1].ok) throw new Error("answer " + answers[0].status);
        return Promise.all([answers[0].text(), answers[1].json()]);
      })
      .then(([html, state]) => {
        const open = Array.from(document.querySelectorAll("details")).map((d) => d.open);
        document.querySelector("main").innerHTML = html;
        document.querySelectorAll("details").forEach((d, i) => { d.open = Boolean(open[i]); });
        version = state.version;
        document.title = state.title;
        document.body.dataset.version = String(state.version);
        if (state.figures) {
          window.popaugReport.contents();
          window.popaugReport.scores(state.figures);
        }
        say(state.line);
      })
      .catch((error) => say("The page could not be brought up to date: " + error.message))
      .finally(() => {
        busy = false;
        if (again) { again = false; refresh(); }
      });
  }

  function poll(seconds) {
    // A refresh that is under way writes its own line after this one: the note has to stay in it.
    note = "(Too many pages are open for live updates: asking every " + seconds + " seconds instead.)";
    say(connection.textContent);
    window.setInterval(() => {
      fetch("state.json").then((answer) => answer.json())
        .then((state) => { if (state.version !== version) refresh(); })
        .catch(() => say("The server does not answer; trying again."));
    }, seconds * 1000);
  }

  function listen() {
    const events = new EventSource("events");
    events.addEventListener("update", refresh);
    events.addEventListener("poll", (event) => { events.close(); poll(Number(event.data)); });
    events.onerror = () => say(events.readyState === EventSource.CLOSED
      ? "The server no longer accepts this page: open the address that popaug serve printed."
      : "The connection is lost; trying again.");
  }

  refresh();
  listen();
})();
