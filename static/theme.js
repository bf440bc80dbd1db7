// Before anything is painted: dark, or light or as the system is where the person chose that (browser/theme.py).
const light = matchMedia("(prefers-color-scheme: light)");
function rolltapeDress() {
  let chosen = "dark";
  try { chosen = localStorage.getItem("rolltape-theme") ?? chosen; } catch { /* a browser may forbid storage */ }
  if (chosen === "system") chosen = light.matches ? "light" : "dark";
  document.documentElement.dataset.theme = chosen === "light" ? "light" : "dark";
}
rolltapeDress();
light.addEventListener("change", rolltapeDress);
addEventListener("storage", rolltapeDress); // another tab chose
