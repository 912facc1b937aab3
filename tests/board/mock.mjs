// How is the board developed without an engine? A small server of the same addresses, over a made-up day.
//
// Ground rules: for developing and for tests of faults only, nothing in it is shipped; it sends the strictest content
// policy, so that what works here works behind the real server. `node mock.mjs [PORT] [PHASE] [SPEED]`.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

import { World } from "./world.mjs";

const BOARD = new URL("../../src/http/board/", import.meta.url);
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};
const HEADERS = {
  "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
};

/** Starts it; with the answer the test can look at the world, change pictures and be a bad server. */
export async function startMock({ port = 0, everyMs = 1_000, ...options } = {}) {
  const world = new World(options);
  const streams = new Set();
  const mock = { world, change: (picture) => picture, refuse: false, mute: false };
  const text = () => JSON.stringify(mock.change(world.picture()));
  const send = (response) => response.write(`event: picture\ndata: ${text()}\n\n`);

  const server = createServer(async (request, response) => {
    const path = new URL(request.url, "http://mock").pathname;
    if (mock.refuse) {
      request.socket.destroy();
    } else if (path === "/api/v1/live") {
      response.writeHead(200, { ...HEADERS, "content-type": "text/event-stream", "cache-control": "no-store" });
      streams.add(response);
      response.on("close", () => streams.delete(response));
      send(response);
    } else if (path === "/api/v1/picture") {
      response
        .writeHead(200, { ...HEADERS, "content-type": "application/json", "cache-control": "no-store" })
        .end(text());
    } else if (path.startsWith("/api/v1/subjects/")) {
      const { status, body } = world.explain(decodeURIComponent(path.slice("/api/v1/subjects/".length)));
      response
        .writeHead(status, { ...HEADERS, "content-type": "application/json", "cache-control": "no-store" })
        .end(JSON.stringify(body));
    } else {
      await sendAsset(path === "/" ? "/index.html" : path, response);
    }
  });
  const timer = setInterval(() => {
    world.step(everyMs);
    if (!mock.mute) {
      streams.forEach(send);
    }
  }, everyMs);
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));

  return Object.assign(mock, {
    url: `http://127.0.0.1:${server.address().port}`,
    drop: () => streams.forEach((stream) => stream.destroy()),
    close: () => {
      clearInterval(timer);
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  });
}

async function sendAsset(path, response) {
  const type = TYPES[extname(path)];
  try {
    if (type === undefined || !/^(\/[a-z]+)+\.[a-z]+$/.test(path)) {
      throw new Error("not an asset");
    }
    const body = await readFile(new URL(`.${path}`, BOARD));
    response.writeHead(200, { ...HEADERS, "content-type": type }).end(body);
  } catch {
    response.writeHead(404, HEADERS).end();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port = "8080", phase = "", speed = "600"] = process.argv.slice(2);
  const mock = await startMock({ port: Number(port), phase: phase || null, speed: Number(speed) });
  console.log(mock.url);
}
