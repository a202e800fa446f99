/* Plays one live stream, and says what is the matter while it does not.
 *
 * The address has the stream's identifier and a key. The server is asked for the stream's state every few seconds; it gives a new
 * key before the one that is in use runs out. The video comes as FLV over HTTP and is played by mpegts.js. */
"use strict";

(() => {
  const POLL = Number(document.body.dataset.poll); // ms between two questions about the stream
  const REST = Number(document.body.dataset.rest); // ms of a pause after which nothing more is fetched
  const SOON = 700; // ms after which it is asked who watches, when we have begun to
  const FROZEN = 12000; // ms without any progress after which the video is begun anew
  const BACKOFF = [500, 1000, 2000, 4000, 8000]; // ms before the video is begun again
  const BEHIND = 8; // s behind the newest picture from which a way there is offered

  const WORDS = {
    loading: ["Connecting …", ""],
    waiting: ["Nothing is being sent right now", "The picture comes by itself as soon as there is one."],
    lost: ["The server cannot be reached", "Trying again …"],
    ended: ["This stream is over", "Thank you for watching."],
    missing: ["There is no such stream", "It may have been over for a while."],
    refused: ["This link is not valid", "Open the stream from the chat to get a new one."],
    expired: ["This link has expired", "Open the stream from the chat to get a new one."],
    full: ["This stream has as many watchers as it can have", "Trying again …"],
    incapable: [
      "This browser cannot play live video",
      "It needs Media Source Extensions with H.264, as Firefox, Chrome, Edge and Safari have them. Players such as VLC play the stream, too: the chat has an address for them.",
    ],
    ready: ["Ready to play", ""],
    paused: ["Paused", "It goes on with what is sent by then."],
    codec: ["This browser cannot play this stream's format", "Another browser, or a player such as VLC, may be able to."],
  };
  const BUTTONS = { codec: "Try again", missing: "Try again", ready: "Play", paused: "Continue" };
  const FINAL = ["ended", "missing", "refused", "expired", "incapable"];

  const element = (id) => document.getElementById(id);
  const video = element("video");
  const stream = location.pathname.split("/").filter(Boolean).pop();
  let key = new URLSearchParams(location.search).get("key") || "";
  let player = null;
  let tries = 0; // in a row, to begin with the video
  let beginning = 0; // the timer of the next one
  let polling = 0;
  let moved = 0; // when the video last made progress
  let position = 0;
  let unplayable = false;
  let silent = false; // the stream's sound is none that this browser can play: the pictures are shown without it
  let paused = 0; // since when

  function show(state) {
    if (document.body.dataset.state === state) return;
    document.body.dataset.state = state;
    const [title, text] = WORDS[state] || ["", ""];
    element("notice-title").textContent = title;
    element("notice-text").textContent = text;
    element("again").hidden = !(state in BUTTONS);
    element("again").textContent = BUTTONS[state] || "";
    element("badge").hidden = state !== "live";
    if (state !== "live") {
      element("sound").hidden = true;
      element("edge").hidden = true;
    }
    if (FINAL.includes(state)) element("watchers").textContent = "";
    element("silent").hidden = state !== "live" || !silent;
  }

  /* When a ticket runs out, in ms since 1970: the sixth of its parts says so. */
  const expiry = (ticket) => Number(ticket.split(".")[5]) * 1000;

  // -- the stream's state

  async function ask() {
    const aborted = new AbortController();
    const timer = setTimeout(() => aborted.abort(), 10000);
    try {
      return await fetch(`/watch/${stream}/state`, {
        headers: { Authorization: `Bearer ${key}` },
        cache: "no-store",
        referrerPolicy: "no-referrer",
        signal: aborted.signal,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  async function poll() {
    clearTimeout(polling);
    let next = POLL * (0.8 + 0.4 * Math.random()); // so that not all who watch ask at once
    try {
      const response = await ask();
      const told = await response.json().catch(() => ({}));
      if (response.status === 401 || response.status === 403) {
        if (!player) return stop(expiry(key) <= Date.now() ? "expired" : "refused");
      } else if (response.status === 404) {
        return stop("missing");
      } else if (!response.ok) {
        if (!player) show("lost");
      } else if (told.state === "ended") {
        return stop("ended", told);
      } else {
        tell(told);
      }
    } catch {
      if (!player || document.body.dataset.state !== "live") show("lost");
    }
    polling = setTimeout(poll, document.hidden ? next * 4 : next);
  }

  function tell(told) {
    entitle(told.title);
    if (told.key && told.key !== key) {
      key = told.key;
      history.replaceState(null, "", `?key=${encodeURIComponent(key)}`); // so that a reload works, too
    }
    const count = Math.max(told.watchers || 0, document.body.dataset.state === "live" ? 1 : 0); // us
    element("watchers").textContent = told.state === "live" && count ? (count === 1 ? "1 person watching" : `${count} people watching`) : "";
    if (document.body.dataset.state === "paused") return; // its own wish
    if (told.state !== "live") {
      leave();
      tries = 0;
      unplayable = silent = false; // what comes next may be of another kind
      show("waiting");
    } else if (!player && !beginning && !unplayable) {
      begin();
    }
  }

  function entitle(title) {
    if (!title) return;
    element("title").textContent = title;
    document.title = title;
  }

  function stop(state, told) {
    clearTimeout(polling);
    leave();
    if (told) entitle(told.title);
    show(state);
  }

  // -- the video

  function begin() {
    beginning = 0;
    leave();
    show("loading");
    const source = { type: "flv", isLive: true, url: new URL(`/live/${stream}.flv?basic=1`, location.href).href };
    if (silent) source.hasAudio = false;
    player = mpegts.createPlayer(
      source,
      {
        headers: { Authorization: `Bearer ${key}` },
        referrerPolicy: "no-referrer",
        enableStashBuffer: false, // what is here is shown
        liveSync: true, // who fell behind catches up by playing a little faster
        liveSyncMaxLatency: 4,
        liveSyncTargetLatency: 1.5,
        liveSyncPlaybackRate: 1.1,
        lazyLoad: false,
        autoCleanupSourceBuffer: true,
        autoCleanupMaxBackwardDuration: 60,
        autoCleanupMinBackwardDuration: 30,
      },
    );
    const mine = player;
    player.on(mpegts.Events.ERROR, (_, detail, info) => mine === player && failed(detail, info));
    player.on(mpegts.Events.LOADING_COMPLETE, () => mine === player && retry());
    moved = Date.now();
    position = 0;
    player.attachMediaElement(video);
    player.load();
    start();
  }

  /* Browsers let nothing be heard that nobody has clicked for: then it begins without sound. */
  async function start() {
    try {
      await video.play();
    } catch (error) {
      if (error.name !== "NotAllowedError" || video.muted) return;
      video.muted = true;
      element("sound").hidden = false;
      video.play().catch((denied) => denied.name === "NotAllowedError" && show("ready"));
    }
  }

  /* What the browser cannot play may be the sound alone: then the pictures are tried without it. */
  function failed(detail, info) {
    const refused = detail === mpegts.ErrorDetails.MEDIA_MSE_ERROR && info && info.code === DOMException.NOT_SUPPORTED_ERR;
    const unknown = detail === mpegts.ErrorDetails.MEDIA_CODEC_UNSUPPORTED;
    if (!silent && (refused || (unknown && /audio/i.test(info)))) {
      silent = true;
      begin();
    } else if (refused || unknown) {
      giveUp();
    } else {
      retry(info && info.code === 503 ? "full" : "");
    }
  }

  function giveUp() {
    unplayable = true;
    silent = false;
    leave();
    show("codec");
  }

  function retry(state) {
    leave();
    if (state) show(state);
    else if (document.body.dataset.state === "live") show("loading");
    beginning = setTimeout(() => {
      beginning = 0;
      poll(); // which begins again, if there is anything to be seen
    }, BACKOFF[Math.min(tries++, BACKOFF.length - 1)]);
  }

  function leave() {
    clearTimeout(beginning);
    beginning = 0;
    if (!player) return;
    const old = player;
    player = null;
    old.destroy();
    video.removeAttribute("src");
    video.load();
  }

  function behind() {
    const ranges = video.buffered;
    return ranges.length ? ranges.end(ranges.length - 1) - video.currentTime : 0;
  }

  video.addEventListener("timeupdate", () => {
    if (!player || video.currentTime === position) return;
    position = video.currentTime;
    moved = Date.now();
    tries = 0;
    if (document.body.dataset.state !== "live") {
      clearTimeout(polling);
      polling = setTimeout(poll, SOON);
    }
    show("live");
    element("edge").hidden = behind() < BEHIND;
  });

  video.addEventListener("volumechange", () => {
    if (!video.muted) element("sound").hidden = true;
  });

  setInterval(() => {
    if (!player) return;
    element("edge").hidden = document.body.dataset.state !== "live" || behind() < BEHIND;
    if (video.paused && ["live", "ready"].includes(document.body.dataset.state)) {
      moved = Date.now();
      paused = paused || moved;
      if (moved - paused > REST) {
        leave();
        show("paused");
      }
    } else {
      paused = 0;
      if (Date.now() - moved > FROZEN && !document.hidden) {
        if (silent && !position) giveUp(); // there is nothing but the sound
        else retry();
      }
    }
  }, 1000);

  document.addEventListener("visibilitychange", () => {
    moved = Date.now();
    if (!document.hidden && polling && !FINAL.includes(document.body.dataset.state)) poll();
  });

  element("sound").addEventListener("click", () => {
    video.muted = false;
    element("sound").hidden = true;
    video.focus();
  });

  element("edge").addEventListener("click", () => {
    const ranges = video.buffered;
    if (ranges.length) video.currentTime = Math.max(ranges.end(ranges.length - 1) - 1, 0);
    video.play().catch(() => {});
    video.focus();
  });

  element("again").addEventListener("click", () => {
    if (document.body.dataset.state === "ready") {
      start();
      return;
    }
    unplayable = silent = false;
    paused = 0;
    tries = 0;
    show("loading");
    poll();
  });

  // -- what mpegts.js does to browsers

  /* It describes an AV1 stream anew before each key frame, upon which browsers drop the picture before that, and stand still at the gap:
   * a description that is already known is not passed on. */
  function describeOnce(buffers) {
    const append = buffers.prototype.appendBuffer;
    const known = new WeakMap();
    buffers.prototype.appendBuffer = function (data) {
      const bytes = new Uint8Array(data.buffer || data, data.byteOffset || 0, data.byteLength);
      if (String.fromCharCode(...bytes.subarray(4, 8)) !== "ftyp") return append.call(this, data);
      const before = known.get(this);
      if (before && before.length === bytes.length && before.every((byte, at) => byte === bytes[at])) {
        setTimeout(() => this.dispatchEvent(new Event("updateend")));
        return undefined;
      }
      known.set(this, bytes.slice());
      return append.call(this, data);
    };
  }

  // -- begin

  if (typeof mpegts === "undefined") return stop("lost"); // it was not loaded
  mpegts.LoggingControl.applyConfig({ enableAll: false });
  [self.SourceBuffer, self.ManagedSourceBuffer].forEach((buffers) => buffers && describeOnce(buffers));
  if (!/^[\w-]{22}$/.test(stream)) stop("missing");
  else if (!key) stop("refused");
  else if (!mpegts.getFeatureList().mseLivePlayback) stop("incapable");
  else poll();
})();
