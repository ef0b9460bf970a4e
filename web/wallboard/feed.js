// Follows the event feed over fetch, which, unlike EventSource, can carry an Authorization header: no token in any URL.

/** Splits a stream of text into server-sent events, calling take({id, event, data}) for each. */
export function eventParser(take) {
  let rest = "";
  let fields = { event: "message", data: [] };
  let lastId;
  return (text) => {
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (fields.data.length) take({ id: lastId, event: fields.event, data: fields.data.join("\n") });
        fields = { event: "message", data: [] };
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue;  // a comment, which keeps the connection alive
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "data") fields.data.push(value);
      else if (name === "event") fields.event = value;
      else if (name === "id") lastId = value;
    }
  };
}

/**
 * Follows /api/events until stopped; connects again with growing pauses, from where it was.
 * @param {{headers: () => object, onEvent: function, onState: function(string), onRefused: function}} use
 *   onState is given "live" or "waiting"; onRefused is called when the credential is not accepted.
 * @returns {function} stops it
 */
export function followFeed({ headers, onEvent, onState, onRefused }) {
  const stop = new AbortController();
  let lastId;
  let pause = 1000;

  async function connect() {
    // Nothing for a minute, not even a heartbeat: the connection is dead, whatever the network says.
    const silence = new AbortController();
    let watchdog;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => silence.abort(), 60000);
    };
    const end = () => silence.abort();
    stop.signal.addEventListener("abort", end);
    try {
      alive();
      const answer = await fetch("/api/events", {
        headers: { ...headers(), accept: "text/event-stream", ...(lastId ? { "last-event-id": lastId } : {}) },
        cache: "no-store",
        signal: silence.signal,
      });
      if (answer.status === 401 || answer.status === 403) return onRefused();
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      onState("live");
      pause = 1000;
      const parse = eventParser((event) => {
        lastId = event.id ?? lastId;
        onEvent(event);
      });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        alive();
        parse(part.value);
      }
    } finally {
      clearTimeout(watchdog);
      stop.signal.removeEventListener("abort", end);
    }
  }

  (async () => {
    while (!stop.signal.aborted) {
      try {
        await connect();
      } catch {
        // Whatever it was, it is tried again.
      }
      if (stop.signal.aborted) return;
      onState("waiting");
      await new Promise((done) => setTimeout(done, pause * (0.5 + Math.random() / 2)));
      pause = Math.min(pause * 2, 30000);
    }
  })();
  return () => stop.abort();
}
