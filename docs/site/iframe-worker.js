// Browsers give no workers to pages that are read from files, and the search runs in one. Here it
// runs in a hidden frame instead: the same script, the same messages.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      this.inside = frame.contentWindow;
      addEventListener("message", (event) => {
        if (event.source === this.inside)
          this.dispatchEvent(new MessageEvent("message", { data: event.data }));
      });
      this.loaded = new Promise((done) => (frame.onload = done));

      // What a worker has and a page has not. In a worker importScripts() is done when it returns;
      // the search awaits it.
      const worker = () => {
        window.postMessage = (data) => parent.postMessage(data, "*");
        window.importScripts = (...urls) =>
          urls.reduce(
            (before, url) =>
              before.then(
                () =>
                  new Promise((done) => {
                    const script = document.createElement("script");
                    script.onload = done;
                    script.src = url;
                    document.body.append(script);
                  })
              ),
            Promise.resolve()
          );
      };
      const text = this.inside.document;
      text.open();
      text.write(`<body><script>(${worker})()</` + `script><script src="${url}"></` + "script>");
      text.close();
    }

    postMessage(data) {
      this.loaded.then(() => this.inside.dispatchEvent(new MessageEvent("message", { data })));
    }
  };
}
