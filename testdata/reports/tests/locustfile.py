from locust import HttpUser, between, task


class Caller(HttpUser):
    wait_time = between(0.01, 0.05)

    @task(9)
    def predict(self):
        self.client.post("/predict", json={"x": 2.5})

    @task(1)
    def health(self):
        self.client.get("/health")
