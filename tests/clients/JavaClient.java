import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;
import javax.imageio.ImageIO;

/** Java's own HttpClient, which has no multipart: the parts are concatenated, as everybody does. */
public class JavaClient {
    private static final HttpClient CLIENT =
        HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL).build();

    public static void main(String[] arguments) throws Exception {
        var tasks = arguments[0] + "/images/tasks";
        var image = Path.of(System.getenv("PICTURE"));
        var boundary = UUID.randomUUID().toString();
        var head = "--" + boundary + "\r\nContent-Type: application/xml; charset=UTF-8\r\n\r\n"
            + "<task><operation name=\"resize\"><param name=\"width\">16</param></operation></task>\r\n--"
            + boundary + "\r\nContent-Type: image/png\r\n\r\n";
        var message = BodyPublishers.concat(
            BodyPublishers.ofString(head),
            BodyPublishers.ofFile(image),
            BodyPublishers.ofString("\r\n--" + boundary + "--\r\n"));
        fetch(tasks, "multipart/related; type=\"application/xml\"; boundary=\"" + boundary + "\"", message);
        fetch(tasks + "?operation=resize&width=16", "image/png", BodyPublishers.ofFile(image));
        var stream = BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(read(image)));
        fetch(tasks + "?operation=resize&width=16", "image/png", stream);
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (java.io.IOException error) {
            throw new java.io.UncheckedIOException(error);
        }
    }

    private static void fetch(String uri, String contentType, BodyPublisher body) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(uri)).header("Content-Type", contentType).POST(body);
        var submitted = CLIENT.send(request.build(), BodyHandlers.ofString());
        if (submitted.statusCode() != 202) {
            throw new AssertionError(submitted.statusCode() + " " + submitted.body());
        }
        var location = URI.create(submitted.headers().firstValue("Location").orElseThrow());
        for (int attempt = 0; attempt < 600; attempt++) {
            var poll = HttpRequest.newBuilder(location).timeout(Duration.ofMinutes(1)).build();
            HttpResponse<byte[]> answer = CLIENT.send(poll, BodyHandlers.ofByteArray());
            if (answer.headers().firstValue("Content-Type").orElse("").startsWith("image/")) {
                var picture = ImageIO.read(new ByteArrayInputStream(answer.body()));
                if (picture == null || picture.getWidth() != 16 || picture.getHeight() != 12) {
                    throw new AssertionError("no picture of 16 by 12: " + picture);
                }
                return;
            }
            var text = new String(answer.body(), StandardCharsets.UTF_8);
            if (!text.contains("<state>pending</state>")) {
                throw new AssertionError(answer.statusCode() + " " + text);
            }
            Thread.sleep(100);
        }
        throw new AssertionError("the task is still pending");
    }
}
