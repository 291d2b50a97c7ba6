// Swagger UI over this server's own description; a signed-in person's requests carry the form token, as forms do.
"use strict";
// The page has a heading, a main part and one server of its own, and no link may stand inside a button.
const asPartOfAPage = ({ React }) => {
  const Layout = ({ getComponent, specSelectors }) => {
    const [Errors, Authorize, Operations, Models] = ["errors", "AuthorizeBtnContainer", "operations", "Models"].map((name) =>
      getComponent(name, true),
    );
    const part = (name, ...inside) => React.createElement("div", { className: name }, ...inside);
    const loaded = Boolean(specSelectors.specStr());
    return part(
      "swagger-ui",
      React.createElement(getComponent("SvgAssets")),
      part("wrapper", React.createElement(Errors)),
      loaded && part("scheme-container", part("schemes wrapper", React.createElement(Authorize))),
      loaded && part("wrapper", React.createElement(Operations)),
      loaded && part("wrapper", React.createElement(Models)),
    );
  };
  return {
    components: { Layout },
    wrapComponents: { DeepLink: () => ({ text }) => React.createElement("span", null, text) },
    // Names of operations contain underscores, which Swagger UI's own reading takes for blanks.
    statePlugins: { layout: { actions: { parseDeepLinkHash: (hash) => ({ layoutActions }) => {
      const [tag, operation] = hash.replace(/^#?!?\/?/, "").split("/").map(decodeURIComponent);
      if (!tag) return;
      const key = operation ? ["operations", tag, operation] : ["operations-tag", tag];
      layoutActions.show(["operations-tag", tag], true);
      layoutActions.show(key, true);
      layoutActions.scrollTo(key);
      // A long list is drawn as far as it is in view; what is linked to has to be brought there first.
      layoutActions.scrollToVirtualizedOperation(key);
    } } } },
  };
};
addEventListener("DOMContentLoaded", () => {
  // Swagger UI has a dark suit of its own under this name.
  const dark = document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "");
  document.documentElement.classList.toggle("dark-mode", dark === "dark");
  const token = JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRF-Token"];
  window.SwaggerUIBundle({
    url: "/schema/openapi.json",
    domNode: document.getElementById("swagger"),
    validatorUrl: null,
    plugins: [asPartOfAPage],
    layout: "Layout",
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    persistAuthorization: false,
    requestInterceptor: (request) => {
      if (token && new URL(request.url, location.href).origin === location.origin) {
        request.headers["X-CSRF-Token"] = token;
      }
      return request;
    },
  });
});
