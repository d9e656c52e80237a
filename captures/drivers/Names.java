// pgjdbc's own answer: on each line of standard input a certificate in base64, a tab and a host; out comes "" or "no".

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Base64;
import javax.net.ssl.SSLSession;
import org.postgresql.ssl.PGjdbcHostnameVerifier;

public class Names {
    static boolean verified(String certificate, String host) throws Exception {
        byte[] der = Base64.getDecoder().decode(certificate);
        Certificate leaf = CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
        Certificate[] chain = new java.security.cert.X509Certificate[] {(java.security.cert.X509Certificate) leaf};
        SSLSession session = (SSLSession) Proxy.newProxyInstance(Names.class.getClassLoader(),
            new Class<?>[] {SSLSession.class}, (proxy, method, arguments) -> chain);
        return PGjdbcHostnameVerifier.INSTANCE.verify(host, session);
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] asked = line.split("\t", -1);
            String answer;
            try {
                answer = verified(asked[0], asked[1]) ? "" : "no";
            } catch (Exception error) {
                answer = "error: " + error.getClass().getSimpleName();
            }
            System.out.println("\"" + answer + "\"");
        }
    }
}
