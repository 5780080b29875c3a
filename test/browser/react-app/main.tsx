import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { fetchAsUser } from "../../../frontend/page/client/fetch-as-user.ts";
import { RequestProblem } from "../../../frontend/page/client/problem.ts";

function App() {
  const [path, setPath] = useState(location.pathname);
  const [name, setName] = useState("Loading");
  const [saved, setSaved] = useState("");
  useEffect(() => {
    fetchAsUser("/api/profile")
      .then((response) => response.json())
      .then(({ displayName }) => setName(displayName))
      .catch((error: unknown) => setName(codeOf(error)));
  }, []);
  const open = () => {
    history.pushState(undefined, "", "/orders/7");
    setPath("/orders/7");
  };
  const save = () => {
    fetchAsUser("/api/orders", { method: "POST", body: "{}" })
      .then(() => setSaved("Saved"))
      .catch((error: unknown) => setSaved(`Not saved: ${statusOf(error)}`));
  };
  return (
    <>
      <h1>{name}</h1>
      <p>Route {path}</p>
      <button type="button" onClick={open}>
        Open order 7
      </button>
      <button type="button" onClick={save}>
        Save
      </button>
      <p role="status">{saved}</p>
    </>
  );
}

function codeOf(error: unknown): string {
  return error instanceof RequestProblem ? error.problem.code : String(error);
}

function statusOf(error: unknown): string {
  return error instanceof RequestProblem ? String(error.problem.status) : String(error);
}

const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
