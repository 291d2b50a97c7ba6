// Swagger UI over this server's own description; a signed-in person's requests carry the form token, as forms do.
"use strict";
addEventListener("DOMContentLoaded", () => {
  // Swagger UI has a dark suit of its own under this name.
  const dark = document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "");
  document.documentElement.classList.toggle("dark-mode", dark === "dark");
  const token = JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRF-Token"];
  window.SwaggerUIBundle({
    url: "/schema/openapi.json",
    domNode: document.getElementById("swagger"),
    validatorUrl: null,
    // The page has a heading of its own.
    plugins: [() => ({ wrapComponents: { InfoContainer: () => () => null } })],
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
